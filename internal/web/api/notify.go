package api

import (
	"context"
	"time"

	"opeka/internal/care"
	"opeka/internal/notify"
)

// NoticeCatalogue is what a policy can be made of.
type NoticeCatalogue struct {
	Moments    []string             `json:"moments" doc:"Points of an order's life, in its order"`
	Exceptions []care.ExceptionKind `json:"exceptions"`
	Cases      []string             `json:"cases" doc:"What can be bought from oneself"`
	Variables  []string             `json:"variables" doc:"What templates can be filled with"`
	Facts      []notify.Fact        `json:"facts" doc:"What conditions can ask for"`
}

// TestNotice is words to send to an address of one's own.
type TestNotice struct {
	Channel string `json:"channel" enum:"email,sms,telegram,viber,whatsapp,messenger"`
	To      string `json:"to" minLength:"1" maxLength:"200"`
	notify.ShowInput
}

// SaidCondition is a condition in plain words.
type SaidCondition struct {
	Text string `json:"text" doc:"In the caller's language; empty: always"`
}

// registerNotify lists the operations on what customers are told.
func (a *API) registerNotify() {
	if a.Notify == nil {
		return
	}
	const tag = "Notices"
	settings, read := needs(care.PermSettings), needs(care.PermCommerceRead)

	register(a, op{ID: "get-notice-catalogue", Method: "GET", Path: "/notice-catalogue", Tag: tag, Summary: "What a policy can be made of", Access: known},
		func(context.Context, *struct{}) (*Out[NoticeCatalogue], error) {
			return &Out[NoticeCatalogue]{NoticeCatalogue{notify.Moments(), notify.Exceptions(), notify.Cases(), notify.Variables(), notify.FactNames()}}, nil
		})
	register(a, op{ID: "get-notice-policy", Method: "GET", Path: "/stores/{id}/notice-policy", Tag: tag, Summary: "Get the policy of what customers are told", Access: settings},
		func(ctx context.Context, in *struct {
			ByID
			Version int64 `query:"version" minimum:"-1" default:"-1" doc:"-1: the one in force; 0: the one that ships"`
		}) (*Out[notify.InForce], error) {
			version := &in.Version
			if in.Version < 0 {
				version = nil
			}
			return out(a.Notify.Policy(ctx, scope(ctx), in.ID, version))
		})
	register(a, op{ID: "list-notice-policies", Method: "GET", Path: "/stores/{id}/notice-policy/versions", Tag: tag, Summary: "List the versions of a policy, the latest first", Access: settings},
		func(ctx context.Context, in *struct {
			ByID
			Paging
		}) (*Out[List[notify.PolicyVersion]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Notify.PolicyVersions(ctx, scope(ctx), in.ID, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(v notify.PolicyVersion) int64 { return v.Version }, err)
		})
	register(a, op{ID: "save-notice-policy", Method: "PUT", Path: "/stores/{id}/notice-policy", Tag: tag, Summary: "Put a new version of the policy in force", Access: settings,
		Detail: "Mistakes come back with their places; a condition's with line and column. What is planned already keeps the values that it was planned with."},
		func(ctx context.Context, in *struct {
			ByID
			Body notify.PolicyInput
		}) (*Out[notify.InForce], error) {
			return out(a.Notify.SavePolicy(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "check-notice-policy", Method: "POST", Path: "/stores/{id}/notice-policy/check", Tag: tag, Summary: "Look for mistakes in a policy without saving it", Access: settings},
		func(ctx context.Context, in *struct {
			ByID
			Body notify.Policy
		}) (*None, error) {
			return none(a.Notify.CheckPolicy(ctx, scope(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "play-notice-policy", Method: "POST", Path: "/stores/{id}/notice-play", Tag: tag, Summary: "Buy from yourself: what a customer would get, when and why", Access: settings,
		Detail: "Plays a case or a real order against a policy (the one in force, a kept version, or one that isn't saved), and against a second one to compare. Nothing is sent."},
		func(ctx context.Context, in *struct {
			ByID
			Body notify.PlayInput
		}) (*Out[notify.Played], error) {
			return out(a.Notify.Play(ctx, scope(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "compare-notice-policies", Method: "POST", Path: "/stores/{id}/notice-compare", Tag: tag, Summary: "What would change for customers if one policy took the place of another, case by case", Access: settings},
		func(ctx context.Context, in *struct {
			ByID
			Body notify.CompareInput
		}) (*Out[List[notify.Compared]], error) {
			list, err := a.Notify.Compare(ctx, scope(ctx), in.ID, in.Body)
			return out(List[notify.Compared]{Items: list}, err)
		})
	register(a, op{ID: "say-notice-condition", Method: "POST", Path: "/notice-conditions/say", Tag: tag, Summary: "Check a condition and put it into plain words", Access: settings,
		Detail: "What is wrong with it comes back with line and column."},
		func(ctx context.Context, in *struct {
			Body struct {
				When string `json:"when" maxLength:"1000"`
			}
		}) (*Out[SaidCondition], error) {
			text, err := notify.SayCondition(language(ctx), in.Body.When)
			return out(SaidCondition{text}, err)
		})
	a.registerWords(tag)
	register(a, op{ID: "list-notices", Method: "GET", Path: "/notices", Tag: tag, Summary: "What customers were told and what was withheld, with the reasons, the latest first", Access: read},
		func(ctx context.Context, in *struct {
			InStore
			Paging
			OrderID    int64     `query:"order_id" minimum:"0"`
			CustomerID int64     `query:"customer_id" minimum:"0"`
			Notice     string    `query:"notice" maxLength:"40" doc:"Key of the policy's notice"`
			Moment     string    `query:"moment" maxLength:"40"`
			Channel    string    `query:"channel" enum:"email,sms,telegram,viber,whatsapp,messenger" doc:"By which it went out"`
			Outcome    string    `query:"outcome" enum:"planned,sent,failed,withheld"`
			Reason     string    `query:"reason" maxLength:"40" doc:"notice.reason.<code> of the catalogue"`
			From       time.Time `query:"from" doc:"Decided at this time or later"`
			To         time.Time `query:"to" doc:"Decided before this time"`
		}) (*Out[List[notify.Logged]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Notify.Log(ctx, scope(ctx), notify.LogFilter{Store: in.StoreID, Order: in.OrderID, Customer: in.CustomerID, Key: in.Notice, Moment: in.Moment,
				Channel: in.Channel, Outcome: in.Outcome, Reason: in.Reason, From: in.From, To: in.To}, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(l notify.Logged) int64 { return l.ID }, err)
		})
	register(a, op{ID: "explain-notices", Method: "GET", Path: "/notices/explain", Tag: tag, Summary: "Why the customer of an order did or didn't get each notice", Access: read},
		func(ctx context.Context, in *struct {
			OrderID int64 `query:"order_id" minimum:"1" required:"true"`
		}) (*Out[List[notify.Explained]], error) {
			list, err := a.Notify.Explain(ctx, scope(ctx), in.OrderID)
			return out(List[notify.Explained]{Items: list}, err)
		})
	register(a, op{ID: "list-exceptions", Method: "GET", Path: "/exceptions", Tag: tag, Summary: "What isn't as it should be with orders, the latest first", Access: read},
		func(ctx context.Context, in *struct {
			InStore
			Paging
			OrderID int64 `query:"order_id" minimum:"0"`
			Open    bool  `query:"open" doc:"Only those whose cause is still there"`
		}) (*Out[List[notify.Found]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Notify.Found(ctx, scope(ctx), in.StoreID, in.OrderID, in.Open, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(f notify.Found) int64 { return f.ID }, err)
		})
}

// registerWords lists the operations on the words of notices.
func (a *API) registerWords(tag string) {
	settings := needs(care.PermSettings)
	register(a, op{ID: "list-notice-words", Method: "GET", Path: "/stores/{id}/notice-words", Tag: tag, Summary: "List the words that a store has changed", Access: settings},
		func(ctx context.Context, in *ByID) (*Out[List[notify.OwnWords]], error) {
			list, err := a.Notify.OwnWords(ctx, scope(ctx), in.ID)
			return out(List[notify.OwnWords]{Items: list}, err)
		})
	register(a, op{ID: "overview-notice-words", Method: "GET", Path: "/stores/{id}/notice-words/overview", Tag: tag, Summary: "How the words of every moment stand: own or shipped, languages left behind, parts of an SMS", Access: settings},
		func(ctx context.Context, in *ByID) (*Out[List[notify.MomentWords]], error) {
			list, err := a.Notify.WordsOverview(ctx, scope(ctx), in.ID)
			return out(List[notify.MomentWords]{Items: list}, err)
		})
	register(a, op{ID: "list-notice-words-versions", Method: "GET", Path: "/stores/{id}/notice-words/versions", Tag: tag, Summary: "List the versions of a moment's words in a language, the latest first", Access: settings},
		func(ctx context.Context, in *struct {
			ByID
			Paging
			Moment   string `query:"moment" maxLength:"40" default:"accepted"`
			Language string `query:"language" enum:"en,uk,ru,pl" default:"en"`
		}) (*Out[List[notify.WordsVersion]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Notify.WordsVersions(ctx, scope(ctx), in.ID, in.Moment, in.Language, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(v notify.WordsVersion) int64 { return v.Version }, err)
		})
	register(a, op{ID: "get-notice-words", Method: "GET", Path: "/stores/{id}/notice-words/of", Tag: tag, Summary: "Get the words of a moment in a language", Access: settings},
		func(ctx context.Context, in *struct {
			ByID
			Moment   string `query:"moment" maxLength:"40" default:"accepted"`
			Language string `query:"language" enum:"en,uk,ru,pl" default:"en"`
			Version  int64  `query:"version" minimum:"0" doc:"0: those in use"`
		}) (*Out[notify.WordsOf], error) {
			return out(a.Notify.WordsFor(ctx, scope(ctx), in.ID, in.Moment, in.Language, in.Version))
		})
	register(a, op{ID: "save-notice-words", Method: "PUT", Path: "/stores/{id}/notice-words", Tag: tag, Summary: "Change the words of a moment, or go back to those that ship", Access: settings,
		Detail: "Words that can't be put together, or name a variable that nobody fills in, are refused with line and column."},
		func(ctx context.Context, in *struct {
			ByID
			Body notify.WordsInput
		}) (*Out[notify.WordsOf], error) {
			return out(a.Notify.SaveWords(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "show-notice-words", Method: "POST", Path: "/stores/{id}/notice-words/show", Tag: tag, Summary: "See words put together: with a real order, a case, or something of everything", Access: settings},
		func(ctx context.Context, in *struct {
			ByID
			Body notify.ShowInput
		}) (*Out[notify.Shown], error) {
			return out(a.Notify.ShowWords(ctx, scope(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "test-notice-words", Method: "POST", Path: "/stores/{id}/notice-words/test", Tag: tag, Summary: "Send words to an address of one's own", Access: agentNeeds(care.PermSettings), Status: 202},
		func(ctx context.Context, in *struct {
			ByID
			Body TestNotice
		}) (*None, error) {
			return none(a.Notify.TestSend(ctx, by(ctx), in.ID, in.Body.Channel, in.Body.To, in.Body.ShowInput))
		})
}
