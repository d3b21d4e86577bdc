package org.userload.destination;

import io.netty.channel.IoEventLoop;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.userload.protocol.StartFlags;

/**
 * When the source is asked to stream, and how much: everything, or for a while only what is preferred.
 *
 * <p><b>Threads.</b> Any thread but the loops, one after the other; the source is asked on the stream loop.
 */
final class StreamGrant {
    private final DestinationConfig config;
    private final PageInstaller installer;
    private final StreamIntake stream;
    private final IoEventLoop streamLoop;
    private final BooleanSupplier isOver;
    private volatile boolean roundsEnded;
    private volatile boolean begun;

    /** Stream loop. */
    private boolean isGranted;

    /** Stream loop. */
    private boolean isRestHeldBack;

    /** @param isOver whether the session is over, so that nothing needs to come */
    StreamGrant(
            DestinationConfig config,
            PageInstaller installer,
            StreamIntake stream,
            IoEventLoop streamLoop,
            BooleanSupplier isOver) {
        this.config = config;
        this.installer = installer;
        this.stream = stream;
        this.streamLoop = streamLoop;
        this.isOver = isOver;
        this.isRestHeldBack = !config.backgroundStream();
    }

    /** The session is open: streams at once where that was asked for, and in rounds. */
    void opened() {
        if (config.streamAtOnce() || installer.isInRounds()) {
            grant();
        }
    }

    /** The guest is about to run here. Where there are no rounds, a recorded working set begins to come. */
    void endRounds() {
        roundsEnded = installer.isInRounds();
        installer.endRounds();
        if (!roundsEnded && config.workingSet() != null && !config.streamAtOnce()) {
            begun = true;
            grant();
        }
    }

    /** The guest runs here: streams, unless that has begun. */
    void guestRuns() {
        if (roundsEnded) {
            installer.guestRuns();
        } else if (!begun) {
            grant();
        }
    }

    private void grant() {
        onStreamLoop(() -> {
            isGranted = true;
            start();
        });
    }

    /** The rest of the memory is to come, too. */
    void rest() {
        onStreamLoop(() -> {
            boolean heldBack = isRestHeldBack;
            isRestHeldBack = false;
            if (heldBack && isGranted) {
                start();
            }
        });
    }

    private void onStreamLoop(Runnable work) {
        try {
            streamLoop.execute(work);
        } catch (RejectedExecutionException e) {
            if (!isOver.getAsBoolean()) {
                throw e;
            }
        }
    }

    private void start() {
        stream.start(
                config.windowPages(),
                stream.takesPreferences()
                        ? new StartFlags(isRestHeldBack, config.prefetch().followsFaults())
                        : StartFlags.PLAIN);
    }
}
