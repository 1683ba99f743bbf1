package phone

import "context"

// PromptConsent tells a customer that the call is recorded.
const PromptConsent = "consent"

// prompt is what is said to the customers of a store.
func (p *Phone) prompt(ctx context.Context, _ int64, lang, kind string, args map[string]any) []int16 {
	return p.say(ctx, lang, kind, args)
}
