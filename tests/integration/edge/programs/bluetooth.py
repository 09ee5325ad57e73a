"""A Bluetooth module with nobody near: what the programs do with their radio is counted, nothing is sent."""

advertised = []


def UUID(value):  # noqa: N802  # MicroPython's name
    """Any value serves."""
    return value


class BLE:
    """MicroPython's object, as far as the programs ask it without a peer."""

    def active(self, on):
        return on

    def config(self, **settings):
        return None

    def irq(self, handler):
        self.handler = handler

    def gatts_register_services(self, services):
        handles = []
        number = 0
        for _, characteristics in services:
            handles.append(tuple(range(number, number + len(characteristics))))
            number += len(characteristics)
        return tuple(handles)

    def gatts_write(self, handle, value, update=False):
        return None

    def gatts_set_buffer(self, handle, size):
        return None

    def gap_advertise(self, interval, adv_data=None, resp_data=None):
        advertised.append(interval)
