"""The virtual radio: bumble controllers on one air, and a bleak backend on them that passes for BlueZ.

A ring that counts, and a gateway that listens, in simulated time::

    async def main(clock: SimulatedClock) -> list[bytes]:
        async with Ether(seed=1) as ether:
            ring = await ether.add_peripheral("C4:00:00:00:00:01", name="O2Ring", rssi_dbm=-58, max_mtu=247)
            count = Characteristic("FF01", Characteristic.Properties.NOTIFY, Characteristic.READABLE, b"")
            ring.add_service(Service("FF00", [count]))
            ring.advertising_data = bytes(AdvertisingData([(AdvertisingData.FLAGS, b"\\x06")]))
            ring.scan_response_data = bytes(AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, b"O2Ring 1234")]))
            await ring.start_advertising(auto_restart=True, advertising_interval_min=1000.0)

            adapter = await ether.adapter("hci0")
            device = await BleakScanner.find_device_by_name("O2Ring 1234", backend=adapter.scanner_class)
            heard: list[bytes] = []
            async with BleakClient(device, backend=adapter.client_class) as client:
                await client.start_notify("ff01", lambda _, data: heard.append(bytes(data)))
                ether.faults(ring).drop_link_after(notifications=3)
                for n in range(5):
                    await ring.notify_subscribers(count, bytes([n]))
                    await clock.sleep(1.0)
            return heard  # 0, 1, 2

    run(main, epoch_ms=1_750_000_000_000)
"""

from simulators.radio.adapter import Adapter
from simulators.radio.ether import Ether
from simulators.radio.faults import FaultCounts, Faults

__all__ = ["Adapter", "Ether", "FaultCounts", "Faults"]
