package org.userload.migration;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.userload.destination.DestinationConfig;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.support.Patterns;
import org.userload.support.PeerJvm;
import org.userload.transport.Endpoint;

/** One side of a migration as a process, whose guest stops for good where the test says, to be killed there. */
final class HandoverPeer {
    static final String STATE = "state of the guest";
    static final int PAGES = 500;
    static final long SEED = 5;

    private HandoverPeer() {}

    /** @param arguments {@code source | destination ADDRESS}, then the step at which the guest stops, or {@code NEVER} */
    public static void main(String[] arguments) throws Exception {
        PeerJvm.endWithParent();
        Step stop = Step.valueOf(arguments[arguments.length - 1]);
        if (arguments[0].equals("source")) {
            source(stop);
        } else {
            destination(Endpoint.parse(arguments[1]), stop);
        }
    }

    /** Where a guest can stop. */
    enum Step {
        PAUSE,
        SAVE,
        RESTORE,
        RESUME,
        NEVER
    }

    /** Says each step when it begins and RUNS when it runs. */
    private record StoppingGuest(Step stop) implements Guest {
        private void step(Step step) {
            say(step.name());
            while (step == stop) {
                LockSupport.park(this);
            }
        }

        @Override
        public void pause() {
            step(Step.PAUSE);
        }

        @Override
        public byte[] saveCpuState() {
            step(Step.SAVE);
            return STATE.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public void restoreCpuState(byte[] state) {
            step(Step.RESTORE);
        }

        @Override
        public void resume() {
            step(Step.RESUME);
            say("RUNS");
        }
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static void source(Step stop) throws Exception {
        StoppingGuest guest = new StoppingGuest(stop);
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(PAGES))) {
            Patterns.fill(memory, SEED);
            try (MigrationSource source = MigrationSource.listen(
                    Endpoint.parse("127.0.0.1:0"), guest, memory, MigrationPlan.of(MigrationMode.POSTCOPY))) {
                say("LISTENS " + source.endpoint());
                source.awaitDestination(Duration.ofMinutes(1));
                source.migrate(Duration.ofMinutes(1));
                source.completion().get();
            }
        }
    }

    private static void destination(Endpoint source, Step stop) throws Exception {
        try (MigrationDestination destination =
                MigrationDestination.open(DestinationConfig.from(source), memory -> new StoppingGuest(stop))) {
            destination.completion().get();
        }
    }
}
