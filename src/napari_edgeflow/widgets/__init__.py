"""What a person sees of the engine: docks, and the layers they work on."""
