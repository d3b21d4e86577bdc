package org.userload.migration;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.userload.dirty.TrackerChoice;
import org.userload.support.CountingGuest;

class TrackerForGuestTest {
    private static final MigrationPlan PLAN = MigrationPlan.of(MigrationMode.PRECOPY);

    private final Guest any = new CountingGuest(new CountingGuest.Census(), "");
    private final Guest careful = new CountingGuest(new CountingGuest.Census(), "") {
        @Override
        public boolean writesThroughGuestMemoryOnly() {
            return true;
        }
    };

    @Test
    void guestThatMayWriteByItself_isTrackedByTheKernel_orNotAtAll() {
        assertThat(MigrationSource.trackerFor(PLAN, any)).isEqualTo(TrackerChoice.UFFD_WP);
    }

    @Test
    void guestThatWritesThroughTheAccessLayerOnly_mayBeTrackedThere() {
        assertThat(MigrationSource.trackerFor(PLAN, careful)).isEqualTo(TrackerChoice.AUTO);
    }

    @Test
    void trackerThatWasAskedFor_isUsed() {
        assertThat(MigrationSource.trackerFor(PLAN.withTracker(TrackerChoice.ACCESS_LAYER), any))
                .isEqualTo(TrackerChoice.ACCESS_LAYER);
    }
}
