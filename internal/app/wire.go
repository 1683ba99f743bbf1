package app

// wire says who listens to which event, and who does which job: the only place where rooms of one floor meet.
func (a *App) wire() {
	a.Accounts.Jobs(a.Jobs)
}
