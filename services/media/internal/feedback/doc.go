// Package feedback makes and reads RTCP: transport-wide congestion control feedback, REMB, reports, and what
// subscribers send. It runs a few times a second for each peer, not for each packet, but for the TWCC recorder's
// Record.
package feedback
