// Package traces is what a request did on its way: OpenTelemetry's spans, from the edge over NATS to roomstate, over gRPC to a
// node, and back (ADR 23). It is off unless there is somewhere to send them.
//
// Edges begin a trace with each request that they sample, and nodes with each event of theirs. All others go on with what came
// with a command or a call, so what is not sampled costs them nothing. On the packet path there are no spans.
//
// Attributes never hold secrets, SDP, or bodies of requests.
package traces
