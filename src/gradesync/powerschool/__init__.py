"""Write a section's gradebook to PowerSchool: OAuth 2.0, wire shapes, and PowerTeacher Pro as the target."""
