package api

import (
	"context"
	"net/http"

	"opeka/internal/account"
)

// SetUpState tells whether the first run is still to be done.
type SetUpState struct {
	Needed bool `json:"needed"`
}

// Credentials are what an agent signs in with.
type Credentials struct {
	Email    string `json:"email" maxLength:"200"`
	Password string `json:"password" maxLength:"200"`
}

// InvitationToken is the secret part of an invitation's link.
type InvitationToken struct {
	Token string `json:"token" maxLength:"100"`
}

// NewPassword accepts an invitation.
type NewPassword struct {
	InvitationToken
	Password string `json:"password" maxLength:"200"`
}

// withCookie is the answer to who has just signed in.
type withCookie struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Me
}

// BrowserCookie is the session cookie that a browser had before.
type BrowserCookie struct {
	Session string `cookie:"opeka_session" hidden:"true"`
}

func (a *API) registerSetUp() {
	register(a, op{ID: "get-setup", Method: "GET", Path: "/setup", Tag: "Session", Summary: "Tell whether the first run is to be done", Access: public},
		func(ctx context.Context, _ *struct{}) (*Out[SetUpState], error) {
			needed, err := a.Accounts.SetUpNeeded(ctx)
			return out(SetUpState{needed}, err)
		})
	register(a, op{ID: "set-up", Method: "POST", Path: "/setup", Tag: "Session", Summary: "Make the first store and its administrator", Detail: "Works once, while there is nobody yet, and signs the administrator in.", Access: public},
		func(ctx context.Context, in *struct {
			BrowserCookie
			Body account.SetUp
		}) (*withCookie, error) {
			if _, _, err := a.Accounts.SetUp(ctx, by(ctx), in.Body); err != nil {
				return nil, err
			}
			token, err := a.Accounts.SignIn(ctx, in.Body.Email, in.Body.Password, in.Session, client(ctx))
			return a.signedIn(ctx, token, err)
		})
	register(a, op{ID: "sign-in", Method: "POST", Path: "/session", Tag: "Session", Summary: "Sign in", Access: public},
		func(ctx context.Context, in *struct {
			BrowserCookie
			Body Credentials
		}) (*withCookie, error) {
			if err := a.mayTry(ctx, in.Body.Email); err != nil {
				return nil, err
			}
			token, err := a.Accounts.SignIn(ctx, in.Body.Email, in.Body.Password, in.Session, client(ctx))
			if err == nil {
				a.limits.loginAccount.forgive(loginName(in.Body.Email))
			}
			return a.signedIn(ctx, token, err)
		})
	register(a, op{ID: "sign-out", Method: "DELETE", Path: "/session", Tag: "Session", Summary: "Sign out", Access: signedIn, Status: http.StatusNoContent},
		func(ctx context.Context, _ *struct{}) (*struct {
			SetCookie http.Cookie `header:"Set-Cookie"`
		}, error) {
			cookie := a.cookie(ctx, "")
			cookie.MaxAge = -1
			return &struct {
				SetCookie http.Cookie `header:"Set-Cookie"`
			}{cookie}, a.Accounts.SignOut(ctx, by(ctx), caller(ctx).Session)
		})
	register(a, op{ID: "check-invitation", Method: "POST", Path: "/invitations/check", Tag: "Session", Summary: "Tell whom an invitation is for", Access: public},
		func(ctx context.Context, in *struct{ Body InvitationToken }) (*Out[account.Invited], error) {
			return out(a.Accounts.Invitation(ctx, in.Body.Token))
		})
	register(a, op{ID: "accept-invitation", Method: "POST", Path: "/invitations/accept", Tag: "Session", Summary: "Set the password that an invitation asks for, and sign in", Access: public},
		func(ctx context.Context, in *struct {
			BrowserCookie
			Body NewPassword
		}) (*withCookie, error) {
			if wait := a.limits.loginAddress.wait(requestOf(ctx).ip, a.DB.Now()); wait > 0 {
				return nil, tooMany("login_too_many", wait)
			}
			token, err := a.Accounts.AcceptInvitation(ctx, in.Body.Token, in.Body.Password, in.Session, client(ctx))
			return a.signedIn(ctx, token, err)
		})
}

// mayTry bounds the guessing of passwords: for one account from everywhere, and from one address for all.
func (a *API) mayTry(ctx context.Context, email string) error {
	now := a.DB.Now()
	if wait := a.limits.loginAddress.wait(requestOf(ctx).ip, now); wait > 0 {
		return tooMany("login_too_many", wait)
	}
	if wait := a.limits.loginAccount.wait(loginName(email), now); wait > 0 {
		return tooMany("login_too_many", wait)
	}
	return nil
}

// signedIn answers with the cookie and who the agent is.
func (a *API) signedIn(ctx context.Context, token string, err error) (*withCookie, error) {
	if err != nil {
		return nil, err
	}
	info := requestOf(ctx)
	c, err := a.Accounts.BySession(ctx, token, info.ip, info.agent)
	if err != nil {
		return nil, err
	}
	me, err := a.me(ctx, c)
	return &withCookie{a.cookie(ctx, token), me}, err
}

func (a *API) cookie(ctx context.Context, token string) http.Cookie {
	return http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: requestOf(ctx).https,
		MaxAge: int(account.SessionAge.Seconds()),
	}
}

func client(ctx context.Context) account.Client {
	r := requestOf(ctx)
	return account.Client{IP: r.ip, UserAgent: r.agent}
}
