// Command opeka is the customer-service system of an online shop in one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"opeka/internal/bench"
	"opeka/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var commands command.Commands
	parser := kong.Parse(&commands, kong.Name("opeka"), kong.Description("Customer service for online shops."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Configuration(kong.JSON, "/etc/opeka.json", "opeka.json"), kong.Vars(bench.Vars()), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := parser.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "opeka:", err)
		stop()
		var own interface{ ExitCode() int }
		if errors.As(err, &own) {
			os.Exit(own.ExitCode())
		}
		os.Exit(1)
	}
}
