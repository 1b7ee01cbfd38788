"""Numbers and kinematics of an arm, and the mapping between topics, observations, actions and commands."""
