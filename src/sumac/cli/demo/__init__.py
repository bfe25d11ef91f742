"""`sumac demo`: a server on an organization with three months of believable history."""
