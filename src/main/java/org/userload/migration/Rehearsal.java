package org.userload.migration;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.transport.Endpoint;

/**
 * Moves an empty guest of a few pages within this JVM, over the loopback interface, so that the classes that a migration
 * needs are loaded and its native calls are bound. The first migration of a JVM is down for tens of milliseconds longer
 * than the next ones without it.
 */
public final class Rehearsal {
    private static final int PAGES = 64;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Rehearsal() {}

    /**
     * Rehearses a migration. Takes some hundred milliseconds in a young JVM; leaves nothing behind.
     *
     * @throws IOException when the loopback interface cannot be used or the rehearsal fails
     */
    public static void run(MigrationMode mode, InterceptorChoice interceptor) throws IOException, InterruptedException {
        Endpoint loopback = new Endpoint.Tcp("127.0.0.1", 0);
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES))) {
            memory.putLong(0, 1);
            try (MigrationSource source =
                            MigrationSource.listen(loopback, new EmptyGuest(), memory, MigrationPlan.of(mode));
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint()).withInterceptor(interceptor),
                            there -> new EmptyGuest())) {
                source.migrate(PATIENCE);
                // Missing or not: with luck the stream has not been there before.
                destination.destination().memory().getLong(0);
                destination.completion().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
                source.completion().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            } catch (ExecutionException | TimeoutException e) {
                throw new IOException("a rehearsed migration within this process failed: " + e.getMessage(), e);
            }
        }
    }

    /** Has nothing to stop or save. */
    private static final class EmptyGuest implements Guest {
        @Override
        public void pause() {
            // It does nothing anyway.
        }

        @Override
        public byte[] saveCpuState() {
            return new byte[0];
        }

        @Override
        public void restoreCpuState(byte[] state) {
            // There is none.
        }

        @Override
        public void resume() {
            // It does nothing anyway.
        }
    }
}
