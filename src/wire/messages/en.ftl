hidden = x
