//go:build e2e

package e2e

import (
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
)

// videoRoomDemo has three tabs call each other on a demo page; each tab uses the next of the servers.
func videoRoomDemo(t *testing.T, page string, servers ...string) []*chrome.Tab {
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 3 {
		base := demos.Serve(t, servers[i%len(servers)])
		tab := browser.Open(t, fmt.Sprint("tab", i), base+"/"+page)
		tab.Click("#start")
		tab.Type("#username", fmt.Sprint("tab", i))
		tab.Click("#register")
		tabs = append(tabs, tab)
	}
	for i, tab := range tabs {
		tab.WaitVideos(3, 40*time.Second) // its own and those of the two others
		tab.WaitMoreFrames(3, 20*time.Second)
		tab.Screenshot(fmt.Sprint("call-", i))
	}
	return tabs
}

func echoDemo(t *testing.T, server string) {
	tab := chrome.Start(t).Open(t, "echo", demos.Serve(t, server)+"/echotest.html")
	tab.Click("#start")
	tab.WaitVideos(2, 40*time.Second)
	tab.WaitMoreFrames(2, 20*time.Second)
	tab.Screenshot("echo")
}

// textRoomDemo has two tabs chat on the demo page; each uses the next of the servers.
func textRoomDemo(t *testing.T, servers ...string) {
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		name := fmt.Sprint("chat", i)
		tab := browser.Open(t, name, demos.Serve(t, servers[i%len(servers)])+"/textroomtest.html")
		tab.Click("#start")
		tab.Type("#username", name)
		tab.Click("#register")
		tab.WaitFor("joined", `!document.querySelector('#datasend').disabled`, 30*time.Second)
		tabs = append(tabs, tab)
	}
	sees := func(tab *chrome.Tab, text string) {
		t.Helper()
		tab.WaitFor(text, `document.querySelector('#chatroom').innerText.includes('`+text+`')`, 20*time.Second)
	}
	sees(tabs[0], "chat1 joined")
	sees(tabs[1], "chat0 joined")
	for i, tab := range tabs {
		tab.Type("#datasend", fmt.Sprint("good evening from ", i))
		chrome.Eval[bool](tab, `(sendData(), true)`)
	}
	for _, tab := range tabs {
		sees(tab, "chat0: good evening from 0")
		sees(tab, "chat1: good evening from 1")
		tab.Screenshot("textroom")
	}
	chrome.Eval[bool](tabs[1], `(janus.destroy(), true)`)
	sees(tabs[0], "chat1 left")
}

// videoCallDemo has two tabs call each other on the demo page, first the one and then the other; each uses the next of the
// servers.
func videoCallDemo(t *testing.T, servers ...string) {
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		name := fmt.Sprint("caller", i)
		tab := browser.Open(t, name, demos.Serve(t, servers[i%len(servers)])+"/videocalltest.html")
		tab.Click("#start")
		tab.Type("#username", name)
		tab.Click("#register")
		tab.WaitFor("registered", `document.querySelector('#youok').innerText.includes('`+name+`')`, 30*time.Second)
		tabs = append(tabs, tab)
	}
	for i, tab := range tabs {
		other := tabs[1-i]
		tab.Type("#peer", fmt.Sprint("caller", 1-i))
		tab.Click("#call")
		other.Click(".modal-dialog .btn-success") // Answer
		for _, one := range tabs {
			one.WaitVideos(2, 40*time.Second) // its own and the other's
			one.WaitMoreFrames(2, 20*time.Second)
			one.WaitFor("data channel", `!document.querySelector('#datasend').disabled`, 20*time.Second)
		}
		for j, one := range tabs {
			one.Type("#datasend", fmt.Sprintf("call %d, says %d", i, j))
			chrome.Eval[bool](one, `(sendData(), true)`)
		}
		for j, one := range tabs {
			one.WaitFor("the other's words", fmt.Sprintf(`document.querySelector('#datarecv').value === 'call %d, says %d'`, i, 1-j), 20*time.Second)
			one.Screenshot(fmt.Sprint("call-", i))
		}
		// By the page's own function: a dialog may be fading before the button.
		chrome.Eval[bool](other, `(doHangup(), true)`)
		for _, one := range tabs {
			one.WaitFor("the end of the call", `document.querySelector('#call').innerText === 'Call' && !videocall.webrtcStuff.pc`, 20*time.Second)
		}
	}
}

// videoCallLayers has a tab call another with simulcast: that one is told of its layers, gets another that it asks for, and
// what it sees goes on after ICE is restarted.
func videoCallLayers(t *testing.T, server string) {
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		name := fmt.Sprint("layers", i)
		tab := browser.Open(t, name, demos.Serve(t, server)+"/videocalltest.html?simulcast=true")
		tab.Click("#start")
		tab.Type("#username", name)
		tab.Click("#register")
		tab.WaitFor("registered", `document.querySelector('#youok').innerText.includes('`+name+`')`, 30*time.Second)
		tabs = append(tabs, tab)
	}
	caller, callee := tabs[0], tabs[1]
	caller.Type("#peer", "layers1")
	caller.Click("#call")
	callee.Click(".modal-dialog .btn-success") // Answer
	callee.WaitVideos(2, 40*time.Second)
	callee.WaitFor("word of layers", `simulcastStarted && !!document.querySelector('#sl-0')`, 40*time.Second)
	chrome.Eval[bool](callee, `(videocall.send({message: {request: "set", substream: 0}}), true)`)
	callee.WaitFor("the lowest layer", `document.querySelector('#sl-0').classList.contains('btn-success')`, 40*time.Second)
	callee.WaitMoreFrames(2, 20*time.Second)

	chrome.Eval[bool](caller, `(window.before = videocall.webrtcStuff.pc.currentRemoteDescription.sdp, videocall.createOffer({iceRestart: true,
		success: function(jsep) { videocall.send({message: {request: "set"}, jsep: jsep}); }}), true)`)
	caller.WaitFor("the answer", `videocall.webrtcStuff.pc.currentRemoteDescription.sdp.match(/ice-ufrag:\S+/)[0] !== window.before.match(/ice-ufrag:\S+/)[0]`, 20*time.Second)
	for _, tab := range tabs {
		tab.WaitMoreFrames(2, 20*time.Second)
		tab.Screenshot("layers")
	}
}

// TestDemoPagesOnStandalone has what separate services are not asked for, and one room.
func TestDemoPagesOnStandalone(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t)
	t.Run("videoroom", func(t *testing.T) { videoRoomDemo(t, "videoroomtest.html", s.URL) })
	t.Run("videocall, simulcast", func(t *testing.T) { videoCallLayers(t, s.URL) })
	t.Run("echo over HTTP", func(t *testing.T) { echoDemo(t, s.HTTP) })
}

func TestDemoPagesOnSeparateServices(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	t.Run("videoroom", func(t *testing.T) { videoRoomDemo(t, "videoroomtest.html", a.URLs...) })
	t.Run("mvideoroom", func(t *testing.T) { videoRoomDemo(t, "mvideoroomtest.html", a.URLs...) })
	t.Run("echo", func(t *testing.T) { echoDemo(t, a.URLs[1]) })
	t.Run("textroom", func(t *testing.T) { textRoomDemo(t, a.URLs...) })
	t.Run("videocall", func(t *testing.T) { videoCallDemo(t, a.URLs...) })
	t.Run("videoroom over HTTP, each request at the next edge", func(t *testing.T) {
		videoRoomDemo(t, "videoroomtest.html", alternate(t, a.HTTPs))
	})
}

// The pages are tried on the server that they were written for as well: what fails there is the test's fault.
func TestDemoPagesOnJanus(t *testing.T) {
	t.Parallel()
	url := cluster.StartJanus(t)
	t.Run("mvideoroom", func(t *testing.T) { videoRoomDemo(t, "mvideoroomtest.html", url) })
	t.Run("echo", func(t *testing.T) { echoDemo(t, url) })
	t.Run("textroom", func(t *testing.T) { textRoomDemo(t, url) })
	t.Run("videocall", func(t *testing.T) { videoCallDemo(t, url) })
}

// alternate is an address whose requests go to the servers in turn: a balancer that is not sticky.
func alternate(t *testing.T, servers []string) string {
	t.Helper()
	var next atomic.Uint64
	s := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to, err := url.Parse(servers[next.Add(1)%uint64(len(servers))])
		if err != nil {
			t.Error(err)
			return
		}
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
	}})
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL + "/janus"
}
