// Switches, slider and drop zone of the pages.
