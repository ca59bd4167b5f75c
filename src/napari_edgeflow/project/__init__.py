"""Projects: folders of images whose labels, objects and state outlive the program."""
