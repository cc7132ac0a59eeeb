"""Find secrets in texts and mask them."""
