// Command bench puts the same loads on Janus and on Cardea, in turn, over a pair of network namespaces, and prints what
// each packet that was delivered has cost, beside what it costs at least on this machine. It ends with status 1 if a
// limit is not kept.
package main
