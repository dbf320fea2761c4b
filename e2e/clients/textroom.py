"""A text room by aiortc: of two participants, each on a channel with a label of its own, one says something and both hear it."""

import asyncio
import json
import sys

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription

ROOM = 8012


class Participant:
    def __init__(self, http, url, name):
        self.http, self.url, self.name = http, url, name
        self.answers = {}  # by transaction
        self.texts = asyncio.Queue()
        self.pc = RTCPeerConnection()
        self.pc.on("datachannel", lambda channel: channel.on("message", self.hear))

    async def post(self, path, **message):
        message["transaction"] = "t"
        async with self.http.post(self.url + path, json=message) as response:
            return await response.json()

    async def connect(self):
        self.session = "/%d" % (await self.post("", janus="create"))["data"]["id"]
        attached = await self.post(self.session, janus="attach", plugin="janus.plugin.textroom")
        self.handle = "%s/%d" % (self.session, attached["data"]["id"])
        await self.post(self.handle, janus="message", body={"request": "setup"})
        offer = await self.event("event")
        await self.pc.setRemoteDescription(RTCSessionDescription(**{k: offer["jsep"][k] for k in ("sdp", "type")}))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        answer = {"type": self.pc.localDescription.type, "sdp": self.pc.localDescription.sdp}
        await self.post(self.handle, janus="message", body={"request": "ack"}, jsep=answer)
        await self.event("webrtcup")
        self.channel = self.pc.createDataChannel("of " + self.name)
        self.channel.on("message", self.hear)
        opened = asyncio.Event()
        self.channel.on("open", opened.set)
        if self.channel.readyState != "open":
            await opened.wait()

    async def event(self, kind):
        while True:
            async with self.http.get(self.url + self.session) as response:
                event = await response.json()
            if event["janus"] == kind:
                return event

    def hear(self, message):
        message = json.loads(message)
        if message["textroom"] == "message":
            self.texts.put_nowait(message)
        elif message.get("transaction") in self.answers:
            self.answers.pop(message["transaction"]).set_result(message)

    async def ask(self, request, **fields):
        transaction = "%s %s" % (self.name, request)
        answer = self.answers[transaction] = asyncio.get_running_loop().create_future()
        self.channel.send(json.dumps({"textroom": request, "transaction": transaction, "room": ROOM, **fields}))
        answer = await answer
        print(self.name, answer)
        assert answer["textroom"] == "success", answer
        return answer


async def main(url):
    async with aiohttp.ClientSession() as http:
        ada, bob = participants = [Participant(http, url, name) for name in ("ada", "bob")]
        for each in participants:
            await each.connect()
        await ada.ask("create")
        for each in participants:
            await each.ask("join", username=each.name)
        for speaker in participants:
            await speaker.ask("message", text="from " + speaker.name)
            for each in participants:
                text = await each.texts.get()
                print(each.name, text)
                assert (text["from"], text["text"]) == (speaker.name, "from " + speaker.name), text
        for each in participants:
            await each.pc.close()


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 60))
