package inbox

// SignID makes a name of an id as letters have it.
func SignID(i *Inbox, what string, id int64) string { return i.signID(what, id) }
