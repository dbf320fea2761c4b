// Command cardea-ctl is for people who run Cardea.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/cardea-rtc/cardea/services/ctl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := ctl.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
