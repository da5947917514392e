import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** Reaches a server, which may listen on IPv4 alone, at a port of `::1`. */
export async function forwardIpv6(
  host: string,
  port: number,
): Promise<{ readonly port: number; close(): void }> {
  const forwarder = createServer((socket) => {
    const behind = connect(port, host);
    for (const each of [socket, behind]) each.on('error', () => undefined);
    socket.pipe(behind).pipe(socket);
  }).listen(0, '::1');
  await once(forwarder, 'listening');
  return {
    port: (forwarder.address() as AddressInfo).port,
    close: () => {
      forwarder.close();
    },
  };
}
