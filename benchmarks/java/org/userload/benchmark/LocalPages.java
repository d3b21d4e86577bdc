package org.userload.benchmark;

import io.netty.channel.IoEventLoop;
import org.userload.fault.FaultInterceptor;
import org.userload.fault.FaultListener;
import org.userload.fault.UserfaultfdInterceptor;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.transport.EventLoops;

/**
 * Missing memory whose pages are installed on the fault loop from memory of the same process: a fault without its
 * network.
 */
final class LocalPages implements AutoCloseable {
    private final EventLoops loops = new EventLoops();
    private final FaultInterceptor interceptor = UserfaultfdInterceptor.open(false);
    private final GuestMemory memory;

    /** @param origin ordinary memory to copy from, of one region; stays the caller's */
    LocalPages(GuestMemory origin) {
        RegionTable table = origin.table();
        memory = GuestMemory.missing(table, interceptor);
        IoEventLoop loop = loops.start("userload-sync");
        interceptor.start(memory, loop, new FaultListener() {
            @Override
            public void pageFault(int region, long page) {
                interceptor.install(
                        memory.region(region), page, 1, origin.region(region).hostAddressOf(page));
            }

            @Override
            public void faultsDelivered() {
                // Each was resolved at once.
            }

            @Override
            public void pagesRemoved(long neverReceived) {
                throw new IllegalStateException("removals are not tracked");
            }
        });
    }

    GuestMemory memory() {
        return memory;
    }

    @Override
    public void close() {
        loops.close();
        interceptor.close();
        memory.close();
    }
}
