package account

import "opeka/internal/db"

// Record notes a change of settings that another room makes, in its transaction. before and after must hold no secret.
func (a *Accounts) Record(tx *db.Tx, by By, store int64, action string, subject int64, name string, before, after any) {
	audit(tx, by, entry{Store: store, Action: action, Subject: subject, Name: name, Before: before, After: after})
}
