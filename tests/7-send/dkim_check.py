"""Verifies every mail of an mbox-like dump with dkimpy, both signatures; prints how many of how many were right.
dkim_check.py DUMPS-FOLDER RSA-KEY ED25519-KEY"""
import base64, email, email.policy, glob, subprocess, sys
import dkim

folder, rsa_key, ed_key = sys.argv[1:4]
public = lambda key: subprocess.check_output(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"])
records = {
    b"s1._domainkey.shop.example.": b"v=DKIM1; k=rsa; p=" + base64.b64encode(public(rsa_key)),
    b"s2._domainkey.shop.example.": b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public(ed_key)[-32:]),
}
def lookup(name, timeout=5):
    return records[name if isinstance(name, bytes) else name.encode()]


right = total = 0
subjects = set()
for path in sorted(glob.glob(folder + "/*")):
    raw = open(path, "rb").read()
    raw = raw[raw.index(b"DKIM-Signature"):].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    subjects.add(message["subject"])
    for index in range(2):
        total += 1
        try:
            right += bool(dkim.DKIM(raw).verify(idx=index, dnsfunc=lookup))
        except Exception as error:
            print(path, index, repr(error))
    # One changed byte of the body is noticed.
    total += 1
    try:
        right += not dkim.DKIM(raw.replace(b"caf", b"Caf")).verify(dnsfunc=lookup)
    except dkim.ValidationError as error:
        right += "body hash mismatch" in str(error)
    # What a reader sees; smtp-sink adds an empty line at the end of its dump.
    text = message.get_content().replace("\r\n", "\n").rstrip("\n")
    total += 1
    right += text == "Dear you,\n.a line with a dot\n..and two\na caf\u00e9, a blank at the end \n\n\tand a tab."
print(right, "of", total, sorted(subjects))
