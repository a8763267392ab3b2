"""The results of scripts/bench as tables and pictures of the documents."""
