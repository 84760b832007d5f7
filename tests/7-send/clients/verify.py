"""Verifies both signatures of a mail with dkimpy. verify.py MAIL KEYS-JSON"""
import json, sys
import dkim
raw = open(sys.argv[1], "rb").read()
keys = json.load(open(sys.argv[2]))
look = lambda name, timeout=5: keys[(name if isinstance(name, str) else name.decode()).rstrip(".")].encode()
print(*[bool(dkim.DKIM(raw).verify(idx=i, dnsfunc=look)) for i in range(2)])
