"""What people and devices put in besides touch: the keyboard-wedge scanner."""
