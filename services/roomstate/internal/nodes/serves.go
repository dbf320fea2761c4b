package nodes

import "slices"

// Serves is what the nodes that live serve together. One that has not been heard counts for nothing.
type Serves struct {
	ICETCP, IPv6 bool     // some do
	PublicIPs    []string // of all, by the order of their names, each once

	TellsEvents, PostsEvents bool // some do
}

// Serves puts together what nodes say of themselves.
func (r *Registry) Serves() Serves {
	var all Serves
	for _, n := range r.List() {
		all.ICETCP = all.ICETCP || n.Status.GetIceTcp()
		all.IPv6 = all.IPv6 || n.Status.GetIpv6()
		all.TellsEvents = all.TellsEvents || n.Status.GetTellsEvents()
		all.PostsEvents = all.PostsEvents || n.Status.GetPostsEvents()
		for _, ip := range n.Status.GetPublicIps() {
			if !slices.Contains(all.PublicIPs, ip) {
				all.PublicIPs = append(all.PublicIPs, ip)
			}
		}
	}
	return all
}
