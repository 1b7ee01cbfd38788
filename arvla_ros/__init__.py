"""AR-VLA under ROS 2: perception, action expert, guard, simulation, training."""

# The generated arvla_ros.msg lives in the install space: a checkout that comes first on sys.path must not hide it.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)

__version__ = "0.1.0"
