// Package receive takes the datagrams of many UDP sockets with one goroutine, so that a load generator costs less than
// the server under test: sockets that have something are found with one epoll_wait, what waits in each is taken with
// one recvmmsg, if so told whole runs of segments at a time (UDP_GRO), and between two rounds it pauses, so that there is
// more to take. That costs no accuracy: each datagram comes with the time at which the kernel had it.
package receive
