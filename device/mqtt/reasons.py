"""Why a broker says no, in words, and what next: by reason code, TLS alert, and what is wrong with its certificate."""

from collections.abc import Mapping

AT_THE_BROKER = "at the broker: systemctl status mosquitto; its log says more"
ONE_NAME = "each point has its own name, and a certificate with that name as CN; titik-central status shows two at one"
_OURS = "a new certificate for this machine (examples/certificates), then restart this service"
_LIMITS = "the broker's limits"

CODES: Mapping[int, tuple[str, str]] = {
    0x80: ("it gives no reason", AT_THE_BROKER),
    0x81: ("it could not read a packet of ours", AT_THE_BROKER),
    0x82: ("it says that we broke the protocol", AT_THE_BROKER),
    0x83: ("for a reason of its own making", AT_THE_BROKER),
    0x84: ("it does not speak this version of MQTT", "[broker] protocol = 4 (MQTT 3.1.1), or 5 where it is 4"),
    0x85: ("it does not take this client id", ONE_NAME),
    0x86: ("it does not know this user or password", "[broker] username, and /etc/credstore/*.mqtt-password"),
    0x87: ("it does not authorize this client", "the broker's users and ACL: the certificate's CN, or the username"),
    0x88: ("it is not available", AT_THE_BROKER),
    0x89: ("it is busy", f"wait; or {_LIMITS} (max_connections, memory_limit)"),
    0x8A: ("it has banned this client", "the broker's list of banned clients"),
    0x8B: ("it is shutting down", AT_THE_BROKER),
    0x8C: ("it wants another way to authenticate", "a certificate, or a user and password, is all that we show"),
    0x8D: ("it heard nothing of us within the keep-alive", "the network between; [broker] keepalive"),
    0x8E: ("another client has taken the place of this name", ONE_NAME),
    0x8F: ("it does not take a topic filter of ours", f"[broker] root; {_LIMITS} for topics"),
    0x90: ("it does not take a topic of ours", f"[broker] root; {_LIMITS} for topics"),
    0x93: ("it says that too many messages waited for it at once", "[broker] in_flight, smaller; fewer are tried now"),
    0x94: ("it says that a topic alias was wrong, and we use none", AT_THE_BROKER),
    0x95: ("a message of ours is larger than it takes", "its max_packet_size; [broker] largest_packet, smaller"),
    0x96: ("it says that we send too much at a time", f"{_LIMITS} for messages a second"),
    0x97: ("a quota of it is used up", "its quotas: messages, bytes, connections, retained messages"),
    0x98: ("somebody ended it at the broker", AT_THE_BROKER),
    0x99: ("it does not take the form of a message", AT_THE_BROKER),
    0x9A: ("it keeps no retained messages", "retain_available true, at the broker"),
    0x9B: ("it takes no messages at QoS 1", "max_qos at the broker: 1 or more"),
    0x9C: ("it sends its clients to another broker", "[broker] host"),
    0x9D: ("it has moved to another address for good", "[broker] host"),
    0x9F: ("it says that we connect too often", f"wait; or {_LIMITS} for connections a second"),
    0xA0: ("a connection may not last longer there", "nothing: the next one is made"),
    0xA2: ("it takes no subscriptions with wildcards", "its settings: titik needs + in topic filters"),
}
"""By reason code: why, and what next."""

OLD_CODES: Mapping[int, int] = {1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
"""The return codes of 3.1.1's CONNACK, as MQTT 5's."""
UNSUPPORTED = 0x84

ALERTS: Mapping[str, tuple[str, str]] = {
    "CERTIFICATE_EXPIRED": ("says that our certificate has expired", _OURS),
    "CERTIFICATE_REVOKED": ("has revoked our certificate", _OURS),
    "UNKNOWN_CA": (
        "does not know the authority that signed our certificate",
        "it must be of the broker's own authority (cafile): examples/certificates",
    ),
    "CERTIFICATE_REQUIRED": ("wants a certificate, and we show none", "[broker] certificate and key"),
    "BAD_CERTIFICATE": (
        "does not take our certificate: it is damaged, or not valid yet by the broker's clock",
        "date, here and at the broker; openssl x509 -dates -in FILE",
    ),
    "UNSUPPORTED_CERTIFICATE": (
        "does not take our certificate: it is not one for a client",
        "openssl x509 -purpose -in FILE; examples/certificates makes the right ones",
    ),
    "CERTIFICATE_UNKNOWN": ("does not take our certificate", "openssl x509 -text -in FILE; the broker's log"),
    "ACCESS_DENIED": ("does not let our certificate in", "the broker's log"),
    "HANDSHAKE_FAILURE": (
        "has no TLS in common with us, or wants a certificate",
        "[broker] certificate and key; tls_version and ciphers at the broker",
    ),
    "PROTOCOL_VERSION": ("wants another version of TLS; ours are 1.2 and 1.3", "tls_version at the broker"),
}
"""By the end of the alert's name in OpenSSL: what the broker says or does, and what next."""

_DATES = "date, here; is that right, then a new certificate at the broker (examples/certificates)"
_HOST = "[broker] host must be a name in it: openssl x509 -ext subjectAltName -in server.crt"
_AUTHORITY = "[broker] ca must be the authority that signed it: the broker's cafile"
VERIFY: Mapping[int, tuple[str, str]] = {
    9: ("the broker's certificate is not yet valid (this machine's clock says {clock})", _DATES),
    10: ("the broker's certificate has expired (this machine's clock says {clock})", _DATES),
    18: ("the broker's certificate is signed by itself", _AUTHORITY),
    19: ("the broker's certificate is of another authority", _AUTHORITY),
    20: ("the broker's certificate is of another authority", _AUTHORITY),
    21: ("the broker's certificate is of another authority", _AUTHORITY),
    23: ("the broker's certificate is revoked", "a new one at the broker (examples/certificates)"),
    26: ("the broker's certificate is not one for a server", "a new one at the broker (examples/certificates)"),
    62: ("the broker's certificate is made out for another name", _HOST),
    64: ("the broker's certificate is made out for another address", _HOST),
}
"""By OpenSSL's verify code (x509_vfy.h)."""
