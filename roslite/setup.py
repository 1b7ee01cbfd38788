"""Adds to the wheel the ``.pth`` file that installs the finder of message packages when Python starts."""

import shutil
from pathlib import Path

from setuptools import Distribution, setup  # first: it brings the distutils of the next import with it

from distutils.command.install_data import install_data  # isort: skip

HOOK = Path(__file__).with_name("roslite.pth")


class InstallDataAndHook(install_data):
    """Copies ``roslite.pth`` beside the packages; runs for ordinary and editable wheels alike."""

    def run(self) -> None:
        """Install the data files, then the hook."""
        super().run()
        site_packages = Path(self.get_finalized_command("install").install_lib)
        site_packages.mkdir(parents=True, exist_ok=True)
        shutil.copy(HOOK, site_packages)


class DistributionWithData(Distribution):
    """Editable wheels ask for ``has_data`` before they install data files; setuptools calls it ``has_data_files``."""

    has_data = Distribution.has_data_files


setup(
    data_files=[("share/roslite", ["README.md"])],
    cmdclass={"install_data": InstallDataAndHook},
    distclass=DistributionWithData,
)
