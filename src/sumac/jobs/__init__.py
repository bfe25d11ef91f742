"""Jobs: what happens without anybody asking."""
