"""Files that appear when they are complete and are known by their checksum."""
