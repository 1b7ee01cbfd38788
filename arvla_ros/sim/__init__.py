"""A MuJoCo WidowX 250s on a table: driver and camera at once, with tasks, scripted experts and demonstrations."""
