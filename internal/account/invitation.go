package account

import (
	"context"
	"errors"
	"time"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Invitation is a link by which an agent sets his password, once.
type Invitation struct {
	Token     string  `json:"token"`
	URL       string  `json:"url" doc:"What to send to the agent"`
	ExpiresAt db.Time `json:"expires_at"`
}

// Invited is whom a link is for.
type Invited struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Language string `json:"language"`
}

const invitationAge = 7 * 24 * time.Hour

var errInvitation = &care.Error{Code: "invitation.invalid", Kind: care.KindNotFound}

// InviteAgain makes a new link for an agent, who may have lost the first one or his password. Earlier links end.
func (a *Accounts) InviteAgain(ctx context.Context, by By, id int64) (inv Invitation, err error) {
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, have, err := a.manageable(ctx, q, by, id, true)
		if err != nil {
			return err
		}
		if !row.Active {
			return care.Conflict("agent.inactive")
		}
		auditIn(tx, by, storeIDs(have), entry{Action: "agent.invited", Subject: id, Name: row.Name})
		inv, err = a.invite(ctx, tx, q, id)
		return err
	})
	return inv, err
}

func (a *Accounts) invite(ctx context.Context, tx *db.Tx, q *query.Queries, agent int64) (Invitation, error) {
	inv := Invitation{Token: newToken(), ExpiresAt: db.At(tx.Now.Add(invitationAge))}
	if err := q.DeleteInvitations(ctx, agent); err != nil {
		return inv, err
	}
	return inv, q.InsertInvitation(ctx, query.InsertInvitationParams{ID: tx.ID(), TokenHash: hashToken(inv.Token), AgentID: agent, CreatedAt: db.At(tx.Now), ExpiresAt: inv.ExpiresAt})
}

// Invitation tells whom a link is for, while it is good.
func (a *Accounts) Invitation(ctx context.Context, token string) (Invited, error) {
	row, err := a.read().Invitation(ctx, query.InvitationParams{TokenHash: hashToken(token), ExpiresAt: db.At(a.db.Now())})
	if errors.Is(err, db.ErrNoRows) {
		return Invited{}, errInvitation
	}
	return Invited{row.Name, row.Email, row.Language}, err
}

// AcceptInvitation sets the password and signs the agent in.
func (a *Accounts) AcceptInvitation(ctx context.Context, token, password, old string, c Client) (session string, err error) {
	if _, err := a.Invitation(ctx, token); err != nil { // before the work of hashing
		return "", err
	}
	if err := checkPassword("password", password); err != nil {
		return "", err
	}
	hash, err := a.hashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	var agent int64
	err = a.db.Write(ctx, db.System, func(tx *db.Tx) error {
		q := query.New(tx)
		agent, err = q.UseInvitation(ctx, query.UseInvitationParams{TokenHash: hashToken(token), ExpiresAt: db.At(tx.Now)})
		if errors.Is(err, db.ErrNoRows) {
			return errInvitation
		}
		if err != nil {
			return err
		}
		return a.setPassword(ctx, tx, q, By{IP: c.IP}, agent, 0, hash)
	})
	if err != nil {
		return "", err
	}
	return a.open(ctx, agent, old, c)
}
