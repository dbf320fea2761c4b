// Package bus is roomstate on NATS: commands come in, are carried out, passed on or refused, and answered; events go
// out.
//
// A command is answered, or not at all: while the store is away its sender gets no answer and repeats it.
package bus
