// Package command is what `opeka` can be told to do on the command line.
package command

import (
	"context"
	"fmt"
	"io"
	"os"

	"opeka/internal/app"
	"opeka/internal/bench"
	"opeka/internal/db"
	"opeka/internal/demo"
	"opeka/internal/inbox"
)

// Commands are what `opeka` can be told to do; each reads its Config from flags, the environment, or a file.
type Commands struct {
	Serve   ServeCommand      `cmd:"" default:"withargs" help:"Serve the console, the API, the widget and the hooks."`
	Demo    demo.Command      `cmd:"" help:"Serve with a demo shop: a storefront, its stock and orders, and shoppers who ask."`
	Migrate MigrateCommand    `cmd:"" help:"Bring the database's schema up to date (serve does it by itself)."`
	Copy    CopyCommand       `cmd:"" help:"Move a SQLite installation to PostgreSQL, compared row by row."`
	Import  ImportCommand     `cmd:"" help:"Send a CSV file of customers, products or orders to a running installation; refused rows go to a file."`
	Mail    MailCommand       `cmd:"" help:"Hand a letter over to a running installation: opeka mail --mailbox help@shop.example < letter.eml"`
	Bench   bench.Command     `cmd:"" help:"Measure this machine against what was promised."`
	Doctor  app.DoctorCommand `cmd:"" help:"Look at everything the program leans on and say how to mend what is wrong."`
	OpenAPI OpenAPICommand    `cmd:"" name:"openapi" help:"Print the description of the API."`
	Version VersionCommand    `cmd:"" help:"Print the version."`
}

// ServeCommand runs the program until it is interrupted.
type ServeCommand struct {
	app.Config
	Admin         string `help:"E-mail address of an administrator to make at the first start, instead of in the browser." env:"OPEKA_ADMIN"`
	AdminPassword string `help:"His password; better given by the environment." env:"OPEKA_ADMIN_PASSWORD"`
}

// Run implements the command.
func (s *ServeCommand) Run(ctx context.Context) error {
	a, err := app.New(ctx, s.Config, app.Options{})
	if err != nil {
		return err
	}
	defer a.Close()
	if s.Admin != "" {
		created, err := a.Accounts.CreateAdmin(ctx, s.Admin, s.AdminPassword)
		if err != nil {
			return fmt.Errorf("administrator: %w", err)
		}
		if created {
			fmt.Printf("%s may sign in now.\n", s.Admin)
		}
	}
	return a.Run(ctx, func(address string) {
		fmt.Printf("Opeka %s serves at %s\n", app.Version, address)
	})
}

// MigrateCommand updates the schema and ends.
type MigrateCommand struct {
	app.Config
}

// Run implements the command.
func (m *MigrateCommand) Run(ctx context.Context) error {
	if err := m.Check(); err != nil {
		return err
	}
	d, err := db.Open(ctx, m.DatabaseURL(), db.Options{Log: m.Logger()})
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		_ = d.Close()
		return err
	}
	fmt.Println("The schema is up to date.")
	return d.Close()
}

// CopyCommand moves an installation from SQLite to PostgreSQL.
type CopyCommand struct {
	app.Config
	To string `required:"" help:"postgres://... of a new, empty database."`
}

// Run implements the command.
func (c *CopyCommand) Run(ctx context.Context) error {
	if err := c.Check(); err != nil {
		return err
	}
	log := c.Logger()
	from, err := db.Open(ctx, c.DatabaseURL(), db.Options{Log: log})
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := db.Open(ctx, c.To, db.Options{Log: log})
	if err != nil {
		return err
	}
	defer to.Close()
	for _, d := range []*db.DB{from, to} {
		if err := d.Migrate(ctx); err != nil {
			return err
		}
	}
	if err := db.Copy(ctx, from, to, func(table string, rows int64) { fmt.Printf("%-28s %d\n", table, rows) }); err != nil {
		return err
	}
	if err := to.Write(ctx, db.System, func(tx *db.Tx) error { return inbox.Reindex(ctx, tx) }); err != nil {
		return err
	}
	fmt.Println("Every row arrived as it was; messages are made searchable anew once the program runs. Start with --database and the new address; the files and secret.key stay where they are.")
	return nil
}

// OpenAPICommand prints the API's description, for clients generated from it.
type OpenAPICommand struct{}

// Run implements the command.
func (*OpenAPICommand) Run(ctx context.Context) error { return writeOpenAPI(ctx, os.Stdout) }

// writeOpenAPI builds the whole program on a database in a temporary folder, since operations are listed by the rooms that they call.
func writeOpenAPI(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp("", "opeka-openapi")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	a, err := app.New(ctx, app.Config{Data: dir, LogLevel: "error"}, app.Options{})
	if err != nil {
		return err
	}
	defer a.Close()
	spec, err := a.API.OpenAPI()
	if err != nil {
		return err
	}
	_, err = w.Write(spec)
	return err
}

// VersionCommand prints the version.
type VersionCommand struct{}

// Run implements the command.
func (*VersionCommand) Run() error {
	fmt.Println("opeka", app.Version)
	return nil
}
