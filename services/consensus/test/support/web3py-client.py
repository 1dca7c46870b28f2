"""What an application with web3.py does: prints what it saw as JSON. Arguments: URL, two keys, a file of contracts."""

import json
import sys

from eth_account import Account
from web3 import Web3
from web3.exceptions import ContractCustomError, ContractLogicError

url, sender_key, owner_key, contracts_file = sys.argv[1:5]
with open(contracts_file, encoding="utf8") as file:
    contracts = json.load(file)

w3 = Web3(Web3.HTTPProvider(url))
sender = Account.from_key(sender_key)
owner = Account.from_key(owner_key)


def send(transaction):
    filled = {
        "from": sender.address,
        "chainId": w3.eth.chain_id,
        "nonce": w3.eth.get_transaction_count(sender.address),
        **transaction,
    }
    signed = sender.sign_transaction(filled)
    return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction), poll_latency=0.05)


def call(function):
    return send(function.build_transaction({"from": sender.address}))


def deploy(name):
    factory = w3.eth.contract(abi=contracts[name]["abi"], bytecode=contracts[name]["bytecode"])
    receipt = call(factory.constructor())
    return w3.eth.contract(address=receipt["contractAddress"], abi=contracts[name]["abi"])


def failure(function):
    try:
        function.call({"from": sender.address})
    except ContractCustomError as error:
        return "custom " + str(error.data)[:10]
    except ContractLogicError as error:
        return str(error.message)
    return "none"


counter = deploy("Counter")
receipt = call(counter.functions.add(7, "python"))
events = counter.events.Counted().process_receipt(receipt)
found = counter.events.Counted().get_logs(from_block=0)

token = deploy("PermitToken")
document = json.loads(json.dumps(contracts["permit"]).replace("TOKEN", token.address))
message = document["message"]
for field in ("value", "nonce", "deadline"):
    message[field] = int(message[field])
signed = Account.sign_typed_data(owner_key, full_message=document)
call(
    token.functions.permit(
        owner.address,
        message["spender"],
        message["value"],
        message["deadline"],
        signed.v,
        signed.r.to_bytes(32, "big"),
        signed.s.to_bytes(32, "big"),
    )
)

authorization = owner.sign_authorization(
    {"chainId": w3.eth.chain_id, "address": counter.address, "nonce": w3.eth.get_transaction_count(owner.address)}
)
delegated = send(
    {
        "to": owner.address,
        "data": counter.encode_abi("add", args=[5, "delegated"]),
        "authorizationList": [authorization],
        "gas": 300_000,
        "maxFeePerGas": 2 * w3.eth.gas_price,
        "maxPriorityFeePerGas": 1,
        "value": 0,
    }
)
trace = w3.provider.make_request(
    "debug_traceTransaction", [Web3.to_hex(delegated["transactionHash"]), {"tracer": "callTracer"}]
)

print(
    json.dumps(
        {
            "count": counter.functions.count().call(),
            "notes": [event["args"]["note"] for event in events],
            "found": [Web3.to_hex(log["transactionHash"]) for log in found]
            == [Web3.to_hex(receipt["transactionHash"])],
            "reason": failure(counter.functions.add(13, "x")),
            "custom": failure(counter.functions.add(500, "x")),
            "allowance": token.functions.allowance(owner.address, message["spender"]).call(),
            "code": Web3.to_hex(w3.eth.get_code(owner.address))[:8],
            "delegatedCount": w3.eth.contract(address=owner.address, abi=counter.abi).functions.count().call(),
            "trace": trace["result"]["type"],
        }
    )
)
