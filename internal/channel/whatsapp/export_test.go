package whatsapp

// Read is read, for the fuzzer.
var Read = read
