"""Where log bytes come from: opened while root, cut into blocks, scanned for lines of interest."""
