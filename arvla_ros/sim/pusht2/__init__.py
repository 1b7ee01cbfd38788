"""PushT2: push a T onto two goals in any order; which is done already cannot be seen. Built over ``gym-pusht``."""
