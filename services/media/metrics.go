package media

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// metrics are read when they are asked for.
func (s *service) metrics() prometheus.Gatherer {
	s.registry.MustRegister(&collector{service: s})
	return s.registry
}

type collector struct{ service *service }

var (
	peersDesc         = describe("peers", "PeerConnections.")
	limitDesc         = describe("limit", "What this node is given at most: peers are PeerConnections, packets and bits are a second, received and sent. One that has no limit is not shown.", "of")
	streamsDesc       = describe("streams", "Audio and video streams of PeerConnections that are up: those that endpoints send (in), whatever their layers, and those that are sent to them (out).", "direction")
	packetsDesc       = describe("packets_total", "Datagrams received, and packets of media sent.", "direction")
	bytesDesc         = describe("bytes_total", "Bytes of them, without UDP headers.", "direction")
	sendCallsDesc     = describe("send_calls_total", "System calls that sent packets of media.")
	dropsDesc         = describe("drops_total", "Packets not passed on.", "reason")
	retransmittedDesc = describe("retransmitted_total", "Packets sent again to subscribers.")
	lostDesc          = describe("lost_packets_total", "Packets that publishers' streams lacked when they were due (in), and that subscribers said to lack (out). They may have come later.", "direction")
	estimateDropsDesc = describe("estimate_decreases_total", "Times that a subscriber's connection was seen to take less than was sent.", "reason")
	probesDesc        = describe("probes_total", "Times that padding was sent to see whether a subscriber's connection takes more.")
	downgradesDesc    = describe("downgrades_total", "Times that a subscriber's video got a lower layer for want of bandwidth.")
	pausesDesc        = describe("pauses_total", "Times that a subscriber's video was paused for want of bandwidth.")
	overrunsDesc      = describe("overruns_total", "Bursts for one stream of one subscriber of which something was dropped, since the network or the subscriber did not keep up.")
	leftOutDesc       = describe("left_out_total", "Packets that did not go out to a subscriber, counted for each.", "reason")
	handedOverDesc    = describe("handed_over_total", "Datagrams that arrived on the socket of one worker for a peer of another.")
	mirrorsDesc       = describe("mirrors", "Feeds of one worker that have subscribers on another, counted for each of those.")
	relaysDesc        = describe("relays", "Feeds had from other nodes, and feeds sent to others.", "direction")
	relayedDesc       = describe("relayed_packets_total", "Datagrams between nodes.", "direction")
	relayedBytesDesc  = describe("relayed_bytes_total", "Bytes of them, without UDP headers.", "direction")
	relayLostDesc     = describe("relay_lost_total", "Datagrams of other nodes that did not come at once.")
	relayRepairedDesc = describe("relay_repaired_total", "Of these, came later.")
	relayResentDesc   = describe("relay_resent_total", "Datagrams that other nodes asked for again.")
	relayMessagesDesc = describe("relay_messages_dropped_total", "Messages for data channels that other nodes did not take in time.")
	textsDroppedDesc  = describe("texts_dropped_total", "Messages of roomstate's, for data channels, that were not taken in time.")
	recordingsDesc    = describe("recordings", "Files being recorded.")
	recordingDrops    = describe("recording_drops_total", "Packets and messages that were not recorded, since the disk did not keep up or failed.")
	recordingFailures = describe("recording_failures_total", "Recordings that could not be written, or not to their end.")
	forwardedDesc     = describe("forwarded_total", "Packets and messages sent by RTP forwarders.")
	forwardDropsDesc  = describe("forward_drops_total", "Packets and messages that RTP forwarders did not send, since the network did not take them.")
	remoteDesc        = describe("remote_received_total", "Packets and messages of remote publishers.")
	remoteDropsDesc   = describe("remote_drops_total", "Datagrams at ports of remote publishers that were not taken.", "reason")
	keptDesc          = describe("kept_peers", "PeerConnections of other nodes with which calls could go on if those died.")
	keptBytesDesc     = describe("kept_bytes", "Memory that these take.")
	keptRefusedDesc   = describe("kept_refused_total", "Values of PeerConnections of other nodes for which there was no room.")
	keepSkippedDesc   = describe("keep_skipped_total", "Times that another node did not keep a PeerConnection of this one as it was then.")
	eventsDroppedDesc = describe("events_dropped_total", "Events that roomstate did not take in time.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cardea_media_"+name, help, labels, nil)
}

// Describe is of prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect is of prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s := c.service
	ch <- prometheus.MustNewConstMetric(peersDesc, prometheus.GaugeValue, float64(s.node.Peers()))
	for of, limit := range map[string]uint64{"peers": uint64(s.cfg.MaxPeers), "packets": s.cfg.CapacityPackets, "bits": s.cfg.CapacityBits} {
		if limit > 0 {
			ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, float64(limit), of)
		}
	}
	streamsIn, streamsOut := s.node.Streams()
	ch <- prometheus.MustNewConstMetric(streamsDesc, prometheus.GaugeValue, float64(streamsIn), "in")
	ch <- prometheus.MustNewConstMetric(streamsDesc, prometheus.GaugeValue, float64(streamsOut), "out")
	counters := s.group.Counters()
	count(packetsDesc, counters.PacketsIn, "in")
	count(packetsDesc, counters.PacketsOut, "out")
	count(bytesDesc, counters.BytesIn, "in")
	count(bytesDesc, counters.BytesOut, "out")
	count(sendCallsDesc, counters.SendCalls)
	for reason, n := range counters.Drops {
		count(dropsDesc, n, transport.Drop(reason).String())
	}
	count(dropsDesc, s.node.MirrorDrops(), "mirror_full")
	count(handedOverDesc, counters.HandedOver)
	ch <- prometheus.MustNewConstMetric(mirrorsDesc, prometheus.GaugeValue, float64(s.node.Mirrors()))
	relays := s.node.Relays()
	ch <- prometheus.MustNewConstMetric(relaysDesc, prometheus.GaugeValue, float64(relays.Inbound), "in")
	ch <- prometheus.MustNewConstMetric(relaysDesc, prometheus.GaugeValue, float64(relays.Outbound), "out")
	count(relayedDesc, counters.RelayedIn, "in")
	count(relayedDesc, counters.RelayedOut, "out")
	count(relayedBytesDesc, counters.RelayedBytesIn, "in")
	count(relayedBytesDesc, counters.RelayedBytesOut, "out")
	count(relayLostDesc, relays.Lost)
	count(relayRepairedDesc, relays.Repaired)
	count(relayResentDesc, relays.Resent)
	count(relayMessagesDesc, relays.MessagesLost)
	count(overrunsDesc, s.node.Overruns())
	for why := range forward.Drop(forward.Drops) {
		count(leftOutDesc, s.node.LeftOut(why), why.String())
	}
	count(retransmittedDesc, s.node.Retransmitted())
	lostIn, lostOut := s.node.Lost()
	count(lostDesc, lostIn, "in")
	count(lostDesc, lostOut, "out")
	b := s.node.Bandwidth()
	count(estimateDropsDesc, b.Overuses, "delay")
	count(estimateDropsDesc, b.Losses, "loss")
	count(estimateDropsDesc, b.Silences, "silence")
	count(probesDesc, b.Probes)
	count(downgradesDesc, b.Downgrades)
	count(pausesDesc, b.Pauses)
	ch <- prometheus.MustNewConstMetric(recordingsDesc, prometheus.GaugeValue, float64(s.beside.recordings.Active()))
	count(recordingDrops, s.beside.recordings.Dropped())
	count(recordingFailures, s.beside.recordings.Failed())
	count(forwardedDesc, s.beside.outlet.Sent())
	count(forwardDropsDesc, s.beside.outlet.Dropped())
	count(remoteDesc, s.beside.inlet.Received())
	for why := range rtpreceive.Drop(rtpreceive.Drops) {
		count(remoteDropsDesc, s.beside.inlet.Dropped(why), why.String())
	}
	kept := s.vault.Stats()
	ch <- prometheus.MustNewConstMetric(keptDesc, prometheus.GaugeValue, float64(kept.Peers))
	ch <- prometheus.MustNewConstMetric(keptBytesDesc, prometheus.GaugeValue, float64(kept.Bytes))
	count(keptRefusedDesc, kept.Refused)
	count(keepSkippedDesc, s.node.KeepSkipped())
	count(eventsDroppedDesc, s.events.Dropped())
	count(textsDroppedDesc, s.texts.Dropped())
}
