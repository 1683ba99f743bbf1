package app

import "opeka/internal/care"

// plugs lists what a connection can be made of: a line each.
func plugs() []care.ShopPlug {
	return []care.ShopPlug{}
}
