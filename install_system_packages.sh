#!/bin/sh
# Installs what pip cannot bring, where it is missing: the venv module of the given Python, and a software OpenGL for
# off-screen rendering. Only Debian and Ubuntu are known; elsewhere it says what to install.
set -eu

python=${1:-python3}
missing=""
"$python" -c "import ensurepip, venv" 2>/dev/null || missing="$missing python3-venv"
libraries=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)
has() { case "$libraries" in *"$1"*) true ;; *) false ;; esac; }
if ! has libOSMesa.so.8; then
    has libEGL_mesa.so.0 || has libEGL_nvidia.so.0 || missing="$missing libegl1 libegl-mesa0 libgl1-mesa-dri"
    has libGL.so.1 || has libOpenGL.so.0 || missing="$missing libgl1"
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "missing:$missing (names of Debian's packages); install them, then run make again" >&2
    exit 1
fi
sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
echo "installing$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
