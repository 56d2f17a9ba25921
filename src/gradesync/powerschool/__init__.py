"""The PowerSchool target: OAuth 2.0, wire shapes, and the PowerTeacher Pro gradebook."""
