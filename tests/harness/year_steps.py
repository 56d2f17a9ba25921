"""List everything that happens in a simulated school year."""

from harness.year_step import Step
from harness.year_steps_classes import CLASSES
from harness.year_steps_district import DISTRICT
from harness.year_steps_gradebook import GRADEBOOK
from harness.year_steps_roster import ROSTER
from harness.year_steps_sis import SIS
from harness.year_steps_weather import WEATHER

STEPS: tuple[Step, ...] = (*GRADEBOOK, *ROSTER, *SIS, *DISTRICT, *CLASSES, *WEATHER)
