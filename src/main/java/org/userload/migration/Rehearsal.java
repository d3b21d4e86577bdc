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
 * Moves a guest of a few pages within this JVM, over the loopback interface, so that the classes that a migration
 * needs are loaded and its native calls are bound. The first migration of a JVM is down for tens of milliseconds longer
 * than the next ones without it.
 */
public final class Rehearsal {
    /** Pages of the memory in which the guests rehearse. */
    public static final int PAGES = 64;

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Rehearsal() {}

    /**
     * Rehearses a migration. Takes some hundred milliseconds in a young JVM; leaves nothing behind.
     *
     * @param guests makes the guest of each side, of the kind that is to be moved, so that what it does to save and
     *     restore itself is rehearsed too; a guest that can be closed is
     * @throws IOException when the loopback interface cannot be used or the rehearsal fails
     */
    public static void run(MigrationMode mode, InterceptorChoice interceptor, GuestFactory guests)
            throws IOException, InterruptedException {
        Endpoint loopback = new Endpoint.Tcp("127.0.0.1", 0);
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES))) {
            memory.putLong(0, 1);
            Guest here = guests.create(memory);
            try (MigrationSource source = MigrationSource.listen(loopback, here, memory, MigrationPlan.of(mode));
                    MigrationDestination destination = MigrationDestination.open(
                            DestinationConfig.from(source.endpoint()).withInterceptor(withinProcess(interceptor)),
                            guests)) {
                move(source, destination);
            } catch (ExecutionException | TimeoutException e) {
                throw new IOException("a rehearsed migration within this process failed: " + e.getMessage(), e);
            } finally {
                close(here);
            }
        }
    }

    /** A thread in a signal handler cannot be served by its own process. */
    private static InterceptorChoice withinProcess(InterceptorChoice interceptor) {
        return interceptor == InterceptorChoice.SIGNAL ? InterceptorChoice.SOFTWARE : interceptor;
    }

    private static void move(MigrationSource source, MigrationDestination destination)
            throws ExecutionException, InterruptedException, TimeoutException {
        source.migrate(PATIENCE);
        Guest there = destination
                .resumed()
                .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                .guest();
        try {
            // Missing or not: with luck the stream has not been there before.
            destination.destination().memory().getLong(0);
            destination.completion().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            source.completion().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            close(there);
        }
    }

    private static void close(Guest guest) {
        if (guest instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException("a guest that has rehearsed cannot be closed", e);
            }
        }
    }
}
