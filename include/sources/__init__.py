"""Where rows come from: formats, places, joins, privacy, and the snapshot that stores them."""
